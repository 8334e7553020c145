-- :assets  machines with every address they may be reached at
SELECT a.id, a.code, a.label, a.serial, a.product, a.request_mode, a.contact_name,
  a.contact_email, a.contact_fax, a.location, a.location_email, a.location_fax,
  coalesce(s.name, ''), coalesce(s.address, ''), coalesce(s.email, ''), coalesce(s.fax, ''),
  c.code, c.name, c.address, c.agency, c.classification, c.email, c.fax
FROM asset a JOIN customer c ON c.id = a.customer_id LEFT JOIN site s ON s.id = a.site_id
WHERE a.id {ids} ORDER BY c.code, a.code

-- :asked  the last date each machine was asked about, and whether it was for this one
SELECT asset_id, max(requested_on),
  sum(CASE WHEN requested_on = :requested_on THEN 1 ELSE 0 END)
FROM reading_request_asset WHERE asset_id {ids} GROUP BY asset_id

-- :sent  the trace: what was asked of whom, and when it left
SELECT q.id, q.requested_on, q.channel, q.prepared_at, coalesce(o.sent_at, ''), o.state,
  a.code, x.level, q.address, q.recipient
FROM reading_request q JOIN reading_request_asset x ON x.reading_request_id = q.id
JOIN asset a ON a.id = x.asset_id
JOIN outbox o ON o.kind = 'reading_request' AND o.subject_id = q.id
  AND o.organisation_id = q.organisation_id
WHERE q.organisation_id = :organisation AND q.requested_on >= :since
ORDER BY q.id, a.code

-- :letter  the machines of a letter that an answer names
SELECT a.code FROM reading_request q
JOIN reading_request_asset x ON x.reading_request_id = q.id JOIN asset a ON a.id = x.asset_id
WHERE q.organisation_id = :organisation AND q.id = :number AND q.reference = :reference
