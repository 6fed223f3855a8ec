-- Submits a batch of requests: each with its customer, its place in the open digest of its provider, and its first event.
-- One row a request. Outcome 'submitted', 'key' (the idempotency key was used before) or 'window' (the provider's window
-- is another one, or the provider has changed: work it out for this moment and come again).
create or replace function submit_requests(
  ids uuid[],
  namespaces text[],
  providers uuid[],
  versions integer[],
  starts timestamptz[],
  ends timestamptz[],
  customer_ids uuid[],          -- for those that are new
  customers text[],
  customer_names text[],
  customer_emails text[],
  customer_zones text[],
  item_ids text[],
  descriptions text[],
  quantities integer[],
  answer_days integer[],
  actors text[],
  keys text[],
  hashes text[]
) returns table (
  n integer,
  outcome text,
  submitted_at timestamptz,
  customer_id uuid,
  customer_name text,
  follow_up_at timestamptz
)
language plpgsql volatile
set plan_cache_mode = force_generic_plan
as $$
declare
  target record;
  opened_of uuid[] := '{}';
  opened_ids uuid[] := '{}';
  fresh boolean[];
  moment timestamptz;
begin
  -- The keys first: what comes under a key that is used, also by one that is not committed yet, changes nobody. Waits for
  -- such a one. In the order of the keys, so that two transactions never wait for each other.
  if array_length(array_remove(keys, null), 1) is null then
    fresh := array_fill(true, array[cardinality(ids)]);
  else
    with keyed as (
      insert into idempotency_keys (namespace, actor, operation, key, request_hash, result_id)
      select e.namespace, e.actor, 'submitRequest', e.key, e.hash, e.id
        from unnest(ids, namespaces, actors, keys, hashes) as e (id, namespace, actor, key, hash)
       where e.key is not null
       order by e.namespace, e.actor, e.key
      on conflict do nothing
      returning result_id
    )
    select array_agg(e.key is null or e.id in (select k.result_id from keyed k) order by e.n) into fresh
      from unnest(ids, keys) with ordinality as e (id, key, n);
  end if;
  -- Customers that are known as they are cost one look.
  if exists (
    select from unnest(namespaces, customers, customer_names, customer_emails, customer_zones, fresh)
             as c (namespace, customer, name, email, zone, is_fresh)
      left join recipients r on r.namespace = c.namespace and r.kind = 'CUSTOMER' and r.external_id = c.customer
     where c.is_fresh
       and (r.id is null or r.email <> c.email or r.name is distinct from coalesce(c.name, r.name)
            or r.time_zone <> coalesce(c.zone, r.time_zone))
  ) then
    perform save_customers(array_agg(c.id), array_agg(c.namespace), array_agg(c.customer), array_agg(c.name),
                           array_agg(c.email), array_agg(c.zone))
       from unnest(customer_ids, namespaces, customers, customer_names, customer_emails, customer_zones, fresh)
            as c (id, namespace, customer, name, email, zone, is_fresh)
      where c.is_fresh;
  end if;
  select coalesce(array_agg(o.recipient), '{}'), coalesce(array_agg(o.digest), '{}') into opened_of, opened_ids
    from (select array_agg(w.id) as ids, array_agg(w.version) as versions, array_agg(w.starts) as starts,
                 array_agg(w.ends) as ends
            from unnest(providers, versions, starts, ends, fresh) as w (id, version, starts, ends, is_fresh)
           where w.is_fresh) w,
         open_digests(w.ids, w.versions, w.starts, w.ends) o;
  moment := clock_timestamp();
  return query
    with entry as materialized (
      select e.*, o.digest, c.id as customer_row, c.name, e.ordinal::integer as place,
             add_days(moment, c.time_zone, e.days, p.follow_up_business_days) as due
        from unnest(ids, namespaces, providers, customers, item_ids, descriptions, quantities, answer_days, actors, keys,
                    fresh)
             with ordinality as e (id, namespace, provider_id, customer, item_id, description, quantity, days, actor,
                                   idempotency_key, is_fresh, ordinal)
        join recipients p on p.id = e.provider_id
        left join recipients c on c.namespace = e.namespace and c.kind = 'CUSTOMER' and c.external_id = e.customer
        left join unnest(opened_of, opened_ids) as o (provider_id, digest) on o.provider_id = e.provider_id
    ), accepted as materialized (
      select * from entry e where e.is_fresh and e.digest is not null
    ), freed_keys as (
      -- Whoever has to come again comes with its key.
      delete from idempotency_keys k using entry e
       where e.is_fresh and e.digest is null and k.namespace = e.namespace and k.actor = e.actor
         and k.operation = 'submitRequest' and k.key = e.idempotency_key
    ), request_rows as (
      insert into requests (id, namespace, customer_id, provider_id, item_external_id, item_description, quantity,
                            answer_within_days, submitted_by, submitted_at, follow_up_at)
      select a.id, a.namespace, a.customer_row, a.provider_id, a.item_id, a.description, a.quantity, a.days, a.actor, moment,
             a.due
        from accepted a
    ), item_rows as (
      insert into digest_items (request_id, kind, digest_id) select a.id, 'REQUEST', a.digest from accepted a
    ), event_topics as materialized (
      select d.namespace, digest_topic(d.namespace, 'requests') as topic_id
        from (select distinct a.namespace from accepted a) d
    ), event_rows as (
      insert into events (position, namespace, topic_id, item_id, type, actor, at)
      select (select event_position()), a.namespace, t.topic_id, a.id, 'RECEIVED', a.actor, moment
        from accepted a join event_topics t on t.namespace = a.namespace
    )
    select e.place,
           case when a.id is not null then 'submitted' when e.is_fresh then 'window' else 'key' end,
           moment, e.customer_row, e.name, e.due
      from entry e left join accepted a on a.place = e.place;
  -- A window that outlasts the wait for an answer: its follow-ups cannot wait until it is sealed.
  if exists (
    select from digests d
     where d.id = any (opened_ids) and d.window_end > moment + make_interval(days => (select min(a) - 1 from unnest(answer_days) a))
  ) then
    for target in
      select i.digest_id, min(r.follow_up_at) as due
        from requests r
        join digest_items i on i.request_id = r.id and i.kind = 'REQUEST'
        join digests d on d.id = i.digest_id
       where r.id = any (ids) and r.follow_up_at < d.window_end
         and not exists (select from tasks t join items x on x.id = t.id
                          where t.job_id = d.job_id and t.kind = 'digest-follow-up' and x.deliver_after <= r.follow_up_at)
       group by i.digest_id
    loop
      perform add_digest_task(target.digest_id, 'digest-follow-up', jsonb_build_object('digestId', target.digest_id),
                              target.due, 20);
    end loop;
  end if;
end
$$;
