-- A page of a namespace's mails, newest first.
-- $1 namespace  $2 statuses text[] (null: all)  $3 about id (null: all)  $4 recipient (null: all)
-- $5 id to go on after (null: from the start)  $6 how many
select id, namespace, key, about_id, sender, recipient, recipient_name, subject, message_id, status, attempt,
       prepared_at, sent_at, answer, settled_by, settled_at, settle_reason, bounced_at, bounce_reason
  from mails
 where namespace = $1::text
   and ($2::text[] is null or status = any ($2::text[]))
   and ($3::uuid is null or about_id = $3::uuid)
   and ($4::text is null or recipient = $4::text)
   and ($5::uuid is null or id < $5::uuid)
 order by id desc
 limit $6::integer
