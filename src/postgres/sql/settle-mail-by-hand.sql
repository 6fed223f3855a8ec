-- Somebody decides what became of an uncertain mail. $1 id  $2 status: PREPARED (send it again) or SENT  $3 who  $4 why
-- No row when it is not uncertain.
update mails set status = $2::text, sent_at = case when $2::text = 'SENT' then coalesce(sending_at, clock_timestamp()) end,
                 settled_by = $3::text, settled_at = clock_timestamp(), settle_reason = $4::text
 where id = $1::uuid and status = 'UNCERTAIN'
returning id
