-- The digests that requests are in, each with what it says of the request; in the order of a request's life.
-- $1 request ids uuid[]
select i.request_id, i.kind, i.round, i.part, i.digest_id
  from digest_items i join digests d on d.id = i.digest_id
 where i.request_id = any ($1::uuid[])
 order by i.request_id, d.opened_at, i.kind, i.round
