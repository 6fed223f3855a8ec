-- The trace contexts of tasks that have one. $1 task ids uuid[]
select id, traceparent from tasks where id = any ($1::uuid[]) and traceparent is not null
