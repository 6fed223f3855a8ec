-- The last checks of documents. $1 document ids uuid[]
select document_id, outcome, page_count, page_fault, scan, detail, checked_at
  from document_checks where document_id = any ($1::uuid[])
