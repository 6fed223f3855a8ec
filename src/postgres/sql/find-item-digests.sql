-- In which digests requests are. $1 request ids uuid[]  $2 kinds text[] (each with its id)
select i.request_id, i.kind, i.digest_id
  from unnest($1::uuid[], $2::text[]) as w (request_id, kind)
  join digest_items i on i.request_id = w.request_id and i.kind = w.kind and i.round = 0
