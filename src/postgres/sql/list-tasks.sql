-- A page of a namespace's tasks, newest first.
-- $1 namespace  $2 statuses text[] (null: all)  $3 kinds text[] (null: all)  $4 job id (null: all)
-- $5 id to go on after (null: from the start)  $6 how many
select t.id, t.namespace, t.job_id, t.kind, t.payload, t.priority, t.run_at, t.max_attempts, t.finished_at, t.result,
       t.error, coalesce(i.attempt, t.attempts) - t.attempts_forgiven as attempts_counted,
       task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) as status,
       case when i.state = 'delayed' then i.deliver_after end as next_run_at
  from tasks t left join items i on i.id = t.id
 where t.namespace = $1::text
   and ($2::text[] is null
        or task_status(t.outcome, i.state, i.lease_expires_at, i.attempt - t.attempts_forgiven) = any ($2::text[]))
   and ($3::text[] is null or t.kind = any ($3::text[]))
   and ($4::uuid is null or t.job_id = $4::uuid)
   and ($5::uuid is null or t.id < $5::uuid)
 order by t.id desc
 limit $6::integer
