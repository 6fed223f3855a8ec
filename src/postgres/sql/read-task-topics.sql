-- The topics of some kinds of task, in every namespace. $1 kinds text[]  $2 at most so many
select id, namespace, system, name from topics where system = 'tasks' and name = any ($1::text[])
 order by id limit $2::integer
