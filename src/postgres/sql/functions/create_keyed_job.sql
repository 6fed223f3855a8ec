-- Creates one job some of whose tasks carry unique keys. Parameters as for create_jobs, of one job; in parallel to the
-- tasks: key_rules ('REJECT', 'RETURN_EXISTING', 'REPLACE', 'KEEP_TIME') and key_seconds (how long after its creation a
-- task holds its key although it has ended; null: no longer than it is unfinished).
-- Rows: 'key' alone (the idempotency key was used before); 'taken' alone, with the place of the task and the one that
-- holds its key, nothing was changed; or one row a task: 'created' with the moment, or 'existing' with the task that is
-- there already. When all exist, no job is created.
create or replace function create_keyed_job(
  job_id uuid,
  job_namespace text,
  job_kind text,
  external_id text,
  creator text,
  idempotency_key text,
  request_hash text,
  task_ids uuid[],
  task_topics integer[],
  task_kinds text[],
  payloads text[],
  priorities integer[],
  run_ats timestamptz[],
  attempts_max integer[],
  places integer[],
  names text[],
  unique_keys text[],
  traceparents text[],
  failure_rules text[],
  edge_tasks uuid[],
  edge_targets uuid[],
  key_rules text[],
  key_seconds integer[]
) returns table (outcome text, place integer, task_id uuid, at timestamptz)
language plpgsql volatile
as $$
#variable_conflict use_variable
declare
  holders uuid[] := array_fill(null::uuid, array[cardinality(task_ids)]);
  times timestamptz[] := run_ats;
  kept integer[];
  held record;
  moment timestamptz;
  job_of_existing uuid;
begin
  -- Whoever wants the same waits here, always in the same order, so that what is looked at below cannot change.
  if idempotency_key is not null then
    perform pg_advisory_xact_lock(hashtextextended(concat_ws(' ', 'job', job_namespace, creator, idempotency_key), 0));
    if exists (select from idempotency_keys k where k.namespace = job_namespace and k.actor = creator
                                                and k.operation = 'createJob' and k.key = idempotency_key) then
      return query select 'key', null::integer, null::uuid, null::timestamptz;
      return;
    end if;
  end if;
  perform pg_advisory_xact_lock(l.lock)
     from (select distinct hashtextextended(concat_ws(' ', 'task', job_namespace, k.kind, k.key), 0) as lock
             from unnest(task_kinds, unique_keys) as k (kind, key) where k.key is not null order by 1) l;

  for n in 1..cardinality(task_ids) loop
    continue when unique_keys[n] is null;
    holders[n] := (
      select t.id
        from tasks t
       where t.namespace = job_namespace and t.kind = task_kinds[n] and t.unique_key = unique_keys[n]
         and (t.outcome is null
              or (key_rules[n] in ('REJECT', 'RETURN_EXISTING')
                  and exists (select from jobs j
                               where j.id = t.job_id
                                 and j.created_at > clock_timestamp() - make_interval(secs => key_seconds[n]))))
       order by t.outcome is not null, t.id desc
       limit 1);
    if holders[n] is not null and key_rules[n] = 'REJECT' then
      return query select 'taken', places[n], holders[n], null::timestamptz;
      return;
    end if;
  end loop;

  for n in 1..cardinality(task_ids) loop
    continue when holders[n] is null or key_rules[n] = 'RETURN_EXISTING';
    select i.state, i.deliver_after into held from items i where i.id = holders[n] for update;
    if held.state = 'leased' then
      -- It runs to its end; the key goes on to the new one.
      update tasks t set unique_key = null where t.id = holders[n];
    elsif held.state is not null then
      perform cancel_tasks(job_namespace, array[holders[n]], creator, format('replaced by %s', task_ids[n]));
      if key_rules[n] = 'KEEP_TIME' and held.deliver_after <> 'infinity' then
        times[n] := held.deliver_after;
      end if;
    end if;
    holders[n] := null;
  end loop;

  kept := array(select n from generate_subscripts(task_ids, 1) n where holders[n] is null);
  if cardinality(kept) = 0 then
    if idempotency_key is not null then
      select t.job_id into job_of_existing from tasks t where t.id = holders[1];
      insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
      values (job_namespace, creator, 'createJob', idempotency_key, request_hash, job_of_existing);
    end if;
  else
    select c.at into moment
      from create_jobs(
        array[job_id], array[job_namespace], array[job_kind], array[external_id], array[creator], array[idempotency_key],
        array[request_hash], array(select 1 from unnest(kept)), array(select task_ids[n] from unnest(kept) n),
        array(select task_topics[n] from unnest(kept) n), array(select task_kinds[n] from unnest(kept) n),
        array(select payloads[n] from unnest(kept) n), array(select priorities[n] from unnest(kept) n),
        array(select times[n] from unnest(kept) n), array(select attempts_max[n] from unnest(kept) n),
        array(select places[n] from unnest(kept) n), array(select names[n] from unnest(kept) n),
        array(select unique_keys[n] from unnest(kept) n), array(select traceparents[n] from unnest(kept) n),
        array(select failure_rules[n] from unnest(kept) n), edge_tasks, edge_targets
      ) c;
  end if;
  return query
    select case when holders[n] is null then 'created' else 'existing' end, places[n], coalesce(holders[n], task_ids[n]), moment
      from generate_subscripts(task_ids, 1) n;
end
$$;
