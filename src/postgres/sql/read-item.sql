-- The engine's row of one open item, for people who look into it. $1 id
select state, priority, deliver_after, attempt, excluded, lease_holder, lease_acquired_at, lease_expires_at,
       lease_expires_at > clock_timestamp() as lease_alive, ticket, ticket_sequence::float8 as ticket_sequence
  from items where id = $1::uuid
