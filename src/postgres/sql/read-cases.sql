-- Cases by id, with the living lease on each. $1 ids uuid[]
select c.id, c.namespace, c.topic_id, c.registrant, c.applicant_name, c.applicant_email, c.applicant_details, c.priority,
       c.region, c.registered_at, c.verdict, c.decision_reason, c.decided_by, c.decided_at,
       i.lease_token, i.lease_holder, i.lease_acquired_at, i.lease_expires_at, clock_timestamp() as server_time
  from cases c
  left join items i on i.id = c.id and i.state = 'leased' and i.lease_expires_at > clock_timestamp()
 where c.id = any ($1::uuid[])
