-- Finds a topic, and makes it with the defaults when the namespace has no fixed list.
-- $1 namespace  $2 system  $3 name  $4 whether earlier holders are excluded
-- No row: the namespace has a fixed list and this topic is not on it.
with known as (
  select id from topics where namespace = $1::text and system = $2::text and name = $3::text
), made as (
  insert into topics (namespace, system, name, excludes_earlier_holders, lease_seconds)
  select $1::text, $2::text, $3::text, $4::boolean, case $2::text when 'queue' then 60 else 900 end
   where not exists (select from known)
     and not exists (select from namespaces where name = $1::text and topics_fixed)
  on conflict do nothing
  returning id
)
select id from known union all select id from made
