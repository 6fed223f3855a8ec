-- A page of what is in a digest, in the order of the mail. $1 digest id  $2 part (null: all)
-- $3 request id and $4 kind to go on after (null: from the start)  $5 how many
select i.request_id, i.kind, i.round, i.part
  from digest_items i
 where i.digest_id = $1::uuid and ($2::integer is null or i.part = $2::integer)
   and ($3::uuid is null or (i.request_id, i.kind) > ($3::uuid, $4::text))
 order by i.request_id, i.kind
 limit $5::integer
