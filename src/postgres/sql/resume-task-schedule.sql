-- Ends the pause of a schedule; its next run is planned afterwards. $1 namespace  $2 name  $3 who  $4 why (or null)
with resumed as (
  update task_schedules set paused_at = null, paused_by = null, pause_reason = null, revision = revision + 1
   where namespace = $1::text and name = $2::text and paused_at is not null
  returning id, name
), noted as (
  insert into task_control_changes (namespace, kind, action, actor, reason, at)
  select $1::text, 'schedule ' || name, 'resumed', $3::text, $4::text, clock_timestamp() from resumed
)
select id from resumed
