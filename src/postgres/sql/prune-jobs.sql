-- Removes jobs whose tasks all ended long ago, with their tasks, attempts and events. Ids rise with time, so the primary
-- key leads to the oldest jobs. $1 lowest id that is too young  $2 days  $3 how many
with old as materialized (
  select j.id from jobs j
   where j.id < $1::uuid
     and not exists (select from tasks t where t.job_id = j.id
                        and (t.outcome is null or t.finished_at > clock_timestamp() - make_interval(days => $2::integer)))
   order by j.id limit $3::integer
     for update of j skip locked
), old_tasks as materialized (
  select t.id, t.outcome from tasks t where t.job_id in (select id from old) for update
), whole as materialized (
  -- One that was put back meanwhile stays, with its job.
  select o.id from old o where not exists (select from tasks t join old_tasks x on x.id = t.id
                                            where t.job_id = o.id and x.outcome is null)
), gone_tasks as (
  delete from tasks t using whole w where t.job_id = w.id returning t.id
), gone_attempts as (
  delete from task_attempts a using gone_tasks g where a.task_id = g.id
), gone_edges as (
  delete from task_dependencies d using gone_tasks g where d.task_id = g.id
), gone_events as (
  delete from events e using gone_tasks g where e.item_id = g.id
), gone_jobs as (
  delete from jobs j using whole w where j.id = w.id
)
select id from whole
