-- A page of a namespace's jobs, newest first. Planned anew each time, so that what is not asked for costs nothing.
-- $1 namespace  $2 statuses text[] (null: all)  $3 kinds text[] (null: all)  $4 external id (null: all)
-- $5 lowest id (null: any)  $6 id below which to look (null: any)  $7 text within the error of one of its tasks (null: any)
-- $8 how many
select j.id, j.namespace, j.kind, j.external_id, j.created_by, j.created_at, job_status(c.open, c.succeeded, c.failed) as status
  from jobs j
 cross join lateral (
   select count(*) filter (where t.outcome is null) as open, count(*) filter (where t.outcome = 'SUCCEEDED') as succeeded,
          count(*) filter (where t.outcome = 'FAILED') as failed
     from tasks t where t.job_id = j.id
 ) c
 where j.namespace = $1::text
   and ($2::text[] is null or job_status(c.open, c.succeeded, c.failed) = any ($2::text[]))
   and ($3::text[] is null or j.kind = any ($3::text[]))
   and ($4::text is null or j.external_id = $4::text)
   and ($5::uuid is null or j.id >= $5::uuid)
   and ($6::uuid is null or j.id < $6::uuid)
   and ($7::text is null
        or exists (select from tasks t where t.job_id = j.id and position(lower($7::text) in lower(t.error)) > 0))
 order by j.id desc
 limit $8::integer
