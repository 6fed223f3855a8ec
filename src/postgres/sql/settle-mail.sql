-- Tells how an attempt to send ended. $1 id  $2 attempt  $3 status  $4 the server's answer (or null)
-- That the server has it stands, whoever says it; anything else only the latest attempt may say.
update mails set status = $3::text, answer = coalesce($4::text, answer),
                 sent_at = case when $3::text = 'SENT' then clock_timestamp() end,
                 ending_at = case when $3::text in ('SENT', 'UNCERTAIN') then ending_at end
 where id = $1::uuid and status <> 'SENT' and ($3::text = 'SENT' or (attempt = $2::integer and status in ('SENDING', 'UNCERTAIN')))
returning status
