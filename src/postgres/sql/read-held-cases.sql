-- The cases that a holder holds in a namespace, oldest lease first. $1 namespace  $2 holder  $3 at most so many
select c.id, c.namespace, c.topic_id, c.registrant, c.applicant_name, c.applicant_email, c.applicant_details, c.priority,
       c.region, c.registered_at, c.verdict, c.decision_reason, c.decided_by, c.decided_at,
       i.lease_token, i.lease_holder, i.lease_acquired_at, i.lease_expires_at, clock_timestamp() as server_time
  from items i join cases c on c.id = i.id
 where i.namespace = $1::text and i.lease_holder = $2::text and i.state = 'leased' and i.enqueued_at is null
   and i.lease_expires_at > clock_timestamp()
 order by i.lease_acquired_at, i.id
 limit $3::integer
