-- Schedules without a next run, because it was cancelled, or ended before it could be followed. $1 how many
select id from task_schedules s
 where paused_at is null and not exists (select from items i where i.id = s.next_task_id)
 order by id limit $1::integer
