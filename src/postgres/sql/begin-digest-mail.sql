-- Begins to send a part of a digest. $1 id  $2 namespace  $3 part  $4 round
-- No row: there is nothing to send (it was sent, or another round has begun).
update digests d set state = 'SENDING'
 where d.id = $1::uuid and d.namespace = $2::text and d.state in ('SEALED', 'SENDING', 'FAILED') and d.round = $4::integer
   and exists (select from digest_mails m where m.digest_id = d.id and m.part = $3::integer and m.round = $4::integer
                                            and m.sent_at is null)
returning d.id
