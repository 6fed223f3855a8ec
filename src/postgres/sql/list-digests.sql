-- A page of a namespace's digests, newest first. $1 namespace  $2 statuses text[] (null: all)  $3 direction (null: both)
-- $4 recipient's external id (null: all)  $5 id to go on after (null: from the start)  $6 how many
select d.id, d.namespace, d.recipient_id, d.direction, d.state as status, d.window_start, d.window_end, d.at_once, d.job_id,
       d.number, d.parts, d.round, d.held, d.opened_at, d.sealed_at, d.sent_at, d.merged_into, d.failure,
       coalesce(d.item_count, (select count(*)::integer from digest_items i where i.digest_id = d.id)) as item_count
  from digests d
 where d.namespace = $1::text
   and ($2::text[] is null or d.state = any ($2::text[]))
   and ($3::text is null or d.direction = $3::text)
   and ($4::text is null or d.recipient_id in (select x.id from recipients x where x.namespace = $1::text
                                                and x.external_id = $4::text))
   and ($5::uuid is null or d.id < $5::uuid)
 order by d.id desc
 limit $6::integer
