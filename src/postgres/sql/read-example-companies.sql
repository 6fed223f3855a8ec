-- Which companies of the example data have a case. $1 namespace  $2 registrant  $3 their numbers text[]
select distinct applicant_details ->> 'cik' as cik
  from cases
 where namespace = $1::text and registrant = $2::text and applicant_details ->> 'cik' = any ($3::text[])
