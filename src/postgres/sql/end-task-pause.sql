-- Ends a pause. $1 namespace  $2 kind, or '*' for the whole namespace  $3 who  $4 why (or null)
-- One row when there was one.
with ended as (
  update task_controls set paused_at = null, paused_until = null, paused_by = null, pause_reason = null
   where namespace = $1::text and kind = $2::text and paused_at is not null
  returning kind
), noted as (
  insert into task_control_changes (namespace, kind, action, actor, reason, at)
  select $1::text, kind, 'resumed', $3::text, $4::text, clock_timestamp() from ended
)
select kind from ended
