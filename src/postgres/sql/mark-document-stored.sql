-- Names the blob that has a document's bytes, if they are still awaited: of two uploads at the same time one wins.
-- $1 document id  $2 blob key. One row when it was named.
with marked as (
  update documents set state = 'STORED', blob_key = $2::text where id = $1::uuid and state = 'AWAITING' returning id
), forgotten as (
  delete from blob_attempts where key = $2::text and exists (select from marked)
)
select id from marked
