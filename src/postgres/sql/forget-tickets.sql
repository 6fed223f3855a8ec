-- Leases whose tickets went with their stream: they take the next surplus ticket over. $1 system
-- $2 when the stream was made; leases of before had their tickets in another one
update items i set ticket = null, ticket_sequence = null
  from topics t
 where t.id = i.topic_id and t.system = $1::text and i.state = 'leased' and i.ticket is not null
   and i.lease_acquired_at < $2::timestamptz
