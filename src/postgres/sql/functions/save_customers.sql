-- Makes customers that are new, with the ids given for them, and changes those that have changed. In the order of their
-- names, so that two transactions never wait for each other. Names and zones that are null stay as they are.
create or replace function save_customers(
  ids uuid[],
  namespaces text[],
  customers text[],
  names text[],
  emails text[],
  zones text[]
) returns void
language plpgsql volatile as $$
declare
  target record;
begin
  insert into recipients (id, namespace, kind, external_id, name, email, time_zone)
  select distinct on (c.namespace, c.customer) c.id, c.namespace, 'CUSTOMER', c.customer, c.name, c.email, coalesce(c.zone, 'UTC')
    from unnest(ids, namespaces, customers, names, emails, zones) as c (id, namespace, customer, name, email, zone)
   where not exists (select from recipients r
                      where r.namespace = c.namespace and r.kind = 'CUSTOMER' and r.external_id = c.customer)
   order by c.namespace, c.customer
  on conflict do nothing;
  for target in
    select distinct on (c.namespace, c.customer) r.id, c.email, c.name, c.zone, r.email <> c.email and r.bounced_at is not null as let_go
      from unnest(namespaces, customers, names, emails, zones) as c (namespace, customer, name, email, zone)
      join recipients r on r.namespace = c.namespace and r.kind = 'CUSTOMER' and r.external_id = c.customer
     where r.email <> c.email or r.name is distinct from coalesce(c.name, r.name) or r.time_zone <> coalesce(c.zone, r.time_zone)
     order by c.namespace, c.customer
  loop
    update recipients r
       set email = target.email, name = coalesce(target.name, r.name), time_zone = coalesce(target.zone, r.time_zone),
           bounced_at = case when r.email = target.email then r.bounced_at end,
           bounce_reason = case when r.email = target.email then r.bounce_reason end
     where r.id = target.id;
    -- A new address ends a bounce.
    if target.let_go then
      perform release_held_digests(target.id);
    end if;
  end loop;
end
$$;
