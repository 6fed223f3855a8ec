-- $1 recipient id. See functions/resume_digests.sql.
select resume_digests($1::uuid)
