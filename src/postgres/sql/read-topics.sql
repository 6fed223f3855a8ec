-- Names of topics. $1 ids int[]
select id, namespace, system, name from topics where id = any ($1::integer[])
