-- A page of a namespace's cases in the order in which open ones are handed out.
-- $1 namespace  $2 statuses text[] (null: all)  $3 topic (null: all)  $4 registrant (null: all)
-- $5 holder (null: all)  $6 priority, $7 time and $8 id to go on after (null: from the start)  $9 how many
select c.id, c.namespace, c.topic_id, c.registrant, c.applicant_name, c.applicant_email, c.applicant_details, c.priority,
       c.region, c.registered_at, c.verdict, c.decision_reason, c.decided_by, c.decided_at,
       i.lease_token, i.lease_holder, i.lease_acquired_at, i.lease_expires_at, clock_timestamp() as server_time,
       c.registered_at as sort_time
  from cases c
  left join items i on i.id = c.id and i.state = 'leased' and i.lease_expires_at > clock_timestamp()
 where c.namespace = $1::text
   and ($2::text[] is null
        or case when c.verdict = 'APPROVE' then 'APPROVED' when c.verdict = 'REJECT' then 'REJECTED'
                when i.id is not null then 'CLAIMED' else 'PENDING' end = any ($2::text[]))
   and ($3::text is null
        or c.topic_id = (select t.id from topics t where t.namespace = $1::text and t.system = 'cases' and t.name = $3::text))
   and ($4::text is null or c.registrant = $4::text)
   and ($5::text is null or i.lease_holder = $5::text)
   and ($6::integer is null or (c.priority, c.registered_at, c.id) > ($6::integer, $7::timestamptz, $8::uuid))
 order by c.priority, c.registered_at, c.id
 limit $9::integer
