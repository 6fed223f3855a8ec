-- A page of a namespace's tasks, newest first. Planned anew each time, so that what is not asked for costs nothing.
-- $1 namespace  $2 statuses text[] (null: all)  $3 kinds text[] (null: all)  $4 job ids uuid[] (null: all)
-- $5 lowest id (null: any)  $6 id below which to look (null: any)  $7 text within the error (null: any)
-- $8 outcome that all wanted statuses share, 'FAILED' for one (null: look at each)  $9 how many
select t.id, t.namespace, t.job_id, t.kind, t.payload, t.priority, t.run_at, t.max_attempts, t.finished_at, t.result,
       t.error, t.unique_key, t.name, t.waits_for, coalesce(i.attempt, t.attempts) - t.attempts_forgiven as attempts_counted,
       task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) as status,
       case when i.state = 'delayed' and i.deliver_after < 'infinity' then i.deliver_after end as next_run_at
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
