-- Keeps what a check found, in the place of the one before; nothing when the document is gone.
-- $1 document id  $2 namespace  $3 outcome  $4 page count  $5 page fault  $6 scan  $7 detail
insert into document_checks (document_id, namespace, outcome, page_count, page_fault, scan, detail, checked_at)
select d.id, d.namespace, $3::text, $4::integer, $5::text, $6::text, $7::text, clock_timestamp()
  from documents d where d.id = $1::uuid and d.namespace = $2::text
on conflict (document_id) do update
   set outcome = excluded.outcome, page_count = excluded.page_count, page_fault = excluded.page_fault,
       scan = excluded.scan, detail = excluded.detail, checked_at = excluded.checked_at
