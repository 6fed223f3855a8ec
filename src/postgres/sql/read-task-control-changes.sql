-- The last changes of pauses and limits, newest first. $1 namespace  $2 kind, or '*'  $3 how many
select action, actor, reason, at from task_control_changes
 where namespace = $1::text and kind = $2::text order by id desc limit $3::integer
