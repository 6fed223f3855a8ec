-- Who holds an item now, and since when. $1 id  $2 namespace
select i.lease_holder, i.lease_acquired_at, i.lease_expires_at, i.lease_expires_at > clock_timestamp() as alive
  from items i where i.id = $1::uuid and i.namespace = $2::text
