-- Begins an attempt to send. $1 id  $2 attempts so far  $3 seconds after which a sending counts as broken off
-- No row: somebody else has begun, or it was sent.
update mails set status = 'SENDING', attempt = attempt + 1, sending_at = clock_timestamp()
 where id = $1::uuid and attempt = $2::integer
   and (status in ('PREPARED', 'FAILED', 'UNCERTAIN')
        or (status = 'SENDING' and sending_at <= clock_timestamp() - make_interval(secs => $3::integer)))
returning attempt
