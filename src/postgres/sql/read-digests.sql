-- Digests by id. $1 ids uuid[]
select d.id, d.namespace, d.recipient_id, d.direction, d.state as status, d.window_start, d.window_end, d.at_once, d.job_id,
       d.number, d.parts, d.round, d.held, d.opened_at, d.sealed_at, d.sent_at, d.merged_into, d.failure,
       coalesce(d.item_count, (select count(*)::integer from digest_items i where i.digest_id = d.id)) as item_count
  from digests d where d.id = any ($1::uuid[])
