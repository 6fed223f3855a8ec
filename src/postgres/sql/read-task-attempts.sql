-- The last attempts of tasks, oldest first. $1 task ids uuid[]  $2 at most so many of each
select a.task_id, a.attempt, a.worker, a.started_at, a.ended_at, a.outcome, a.error
  from unnest($1::uuid[]) as wanted (id)
 cross join lateral (
   select * from task_attempts where task_id = wanted.id order by attempt desc limit $2::integer
 ) a
 order by a.task_id, a.attempt
