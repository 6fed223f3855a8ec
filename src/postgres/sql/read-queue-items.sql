-- $1 ids uuid[]. One row an open item; columns: see functions/queue_items.sql.
select * from queue_items($1::uuid[])
