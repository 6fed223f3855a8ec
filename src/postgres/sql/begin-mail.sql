-- Begins an attempt to send. $1 id  $2 attempts so far  $3 seconds after which a sending counts as broken off
-- $4 whether one that the server may have is sent again
-- No row: somebody else has begun, it was sent, or it may have been.
update mails set status = 'SENDING', attempt = attempt + 1, sending_at = clock_timestamp(), ending_at = null
 where id = $1::uuid and attempt = $2::integer
   and (status in ('PREPARED', 'FAILED')
        or (status = 'UNCERTAIN' and $4::boolean)
        or (status = 'SENDING' and sending_at <= clock_timestamp() - make_interval(secs => $3::integer)
            and ($4::boolean or ending_at is null)))
returning attempt
