-- Jobs by id, with how they stand. $1 ids uuid[]
select j.id, j.namespace, j.kind, j.external_id, j.created_by, j.created_at, job_status(c.open, c.succeeded, c.failed) as status
  from jobs j
 cross join lateral (
   select count(*) filter (where t.outcome is null) as open, count(*) filter (where t.outcome = 'SUCCEEDED') as succeeded,
          count(*) filter (where t.outcome = 'FAILED') as failed
     from tasks t where t.job_id = j.id
 ) c
 where j.id = any ($1::uuid[])
