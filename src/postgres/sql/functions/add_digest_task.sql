-- Puts a task of a digest on the engine, to run when its time comes. It is written as a delayed item, so that the
-- scheduler announces it and issues its ticket: whoever calls this has nothing to tell anybody after the commit.
create or replace function add_digest_task(
  digest uuid,
  task_kind text,
  payload jsonb,
  due timestamptz,
  attempts integer
) returns void
language plpgsql volatile as $$
declare
  target record;
  task_topic integer;
  task uuid := sibling_id(digest);
  moment timestamptz := clock_timestamp();
  runs_at timestamptz;
begin
  select d.namespace, d.job_id into target from digests d where d.id = digest;
  -- Jobs whose tasks have all ended may have been removed after a time.
  insert into jobs (id, namespace, kind, external_id, created_by, created_at)
  values (target.job_id, target.namespace, 'digest', digest::text, 'digests', moment)
  on conflict do nothing;
  select t.id into task_topic from topics t
   where t.namespace = target.namespace and t.system = 'tasks' and t.name = task_kind;
  if not found then
    insert into topics (namespace, system, name) values (target.namespace, 'tasks', task_kind) on conflict do nothing;
    select t.id into task_topic from topics t
     where t.namespace = target.namespace and t.system = 'tasks' and t.name = task_kind;
  end if;
  runs_at := greatest(due, moment);
  insert into tasks (id, namespace, job_id, place, topic_id, kind, payload, priority, run_at, max_attempts)
  values (task, target.namespace, target.job_id, (select count(*) from tasks t where t.job_id = target.job_id), task_topic,
          task_kind, payload::json, 0, runs_at, attempts);
  insert into items (id, namespace, topic_id, priority, deliver_after, state)
  values (task, target.namespace, task_topic, 0, runs_at, 'delayed');
  insert into events (position, namespace, topic_id, item_id, type, actor, at)
  values (event_position(), target.namespace, task_topic, task, 'CREATED', 'digests', moment);
end
$$;
