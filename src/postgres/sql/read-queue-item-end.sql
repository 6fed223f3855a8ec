-- How an item of the priority queue left it. $1 item id  No row: it never was, or its history is not kept.
select e.namespace, t.name as topic, e.type, e.at
  from events e join topics t on t.id = e.topic_id
 where (e.item_id = $1::uuid or e.item_ids @> array[$1::uuid]) and t.system = 'queue' and e.type in ('ACKED', 'EXPIRED', 'PURGED')
 order by e.position desc, e.sequence desc
 limit 1
