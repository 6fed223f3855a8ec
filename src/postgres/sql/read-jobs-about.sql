-- The newest jobs of a namespace under each of some external ids. $1 namespaces text[]  $2 external ids text[]  $3 how many each
-- One row a job, newest first.
select e.n::integer as n, j.id
  from unnest($1::text[], $2::text[]) with ordinality as e (namespace, external_id, n)
 cross join lateral (
   select id from jobs
    where jobs.namespace = e.namespace and jobs.external_id = e.external_id
    order by jobs.id desc
    limit $3::integer
 ) as j
 order by e.n, j.id desc
