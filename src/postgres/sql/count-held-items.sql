-- How many items of a namespace and system somebody holds on this shard. $1 namespace  $2 system  $3 holder
select count(*)::integer as held
  from items i join topics t on t.id = i.topic_id
 where i.namespace = $1::text and t.system = $2::text and i.lease_holder = $3::text and i.state = 'leased'
   and i.lease_expires_at > clock_timestamp()
