-- Open items that want a ticket, by topic.
select i.topic_id, count(*)::float8 as open_items, count(*) filter (where i.state = 'leased')::float8 as leased
  from items i where i.state <> 'delayed' group by i.topic_id
