-- Writes a mail down, unless its key has one. $1 id  $2 namespace  $3 key  $4 about id (or null)  $5 sender
-- $6 recipient  $7 recipient's name (or null)  $8 subject  $9 html  $10 text  $11 message id
insert into mails (id, namespace, key, about_id, sender, recipient, recipient_name, subject, html, text, message_id)
values ($1::uuid, $2::text, $3::text, $4::uuid, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text)
on conflict (namespace, key) do nothing
