-- How many of a namespace's tasks stand how, counted over the newest of those that match.
-- $1 to $8: as in list-tasks.sql  $9 how many to look at
select s.status, count(*)::integer as tasks
  from (
    select task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) as status
      from tasks t left join items i on i.id = t.id
     where t.namespace = $1::text
       and ($2::text[] is null
            or task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) = any ($2::text[]))
       and ($3::text[] is null or t.kind = any ($3::text[]))
       and ($4::uuid[] is null or t.job_id = any ($4::uuid[]))
       and ($5::uuid is null or t.id >= $5::uuid)
       and ($6::uuid is null or t.id < $6::uuid)
       and ($7::text is null or position(lower($7::text) in lower(t.error)) > 0)
       and ($8::text is null or t.outcome = $8::text)
     order by t.id desc
     limit $9::integer
  ) s
 group by s.status
