-- All of a mail but its end has left; the end follows when this is committed. $1 id  $2 attempt
-- No row: another attempt has begun, so this one must not end.
update mails set ending_at = clock_timestamp()
 where id = $1::uuid and attempt = $2::integer and status = 'SENDING'
returning id
