-- Which of these acks were done before, under the same token. $1 item ids uuid[]  $2 lease tokens text[]  $3 namespaces text[]
select w.n::integer as n
  from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as w (id, token, namespace, n)
 where exists (select from events e where e.item_ids @> array[w.id] and e.type = 'ACKED' and e.namespace = w.namespace
                                      and e.tokens[array_position(e.item_ids, w.id)]::text = w.token)
    or exists (select from events e where e.item_id = w.id and e.type = 'ACKED' and e.reason = w.token
                                      and e.namespace = w.namespace)
