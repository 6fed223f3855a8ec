-- The items of the queue of a namespace that are open. $1 namespace
select i.id as "itemId", i.state, i.attempt from items i join topics t on t.id = i.topic_id
 where i.namespace = $1::text and t.system = 'queue'
