-- :document  by its printed number, or by its B2 number
SELECT d.id, d.journal, d.fiscal_year, d.number, d.kind, d.issued_on, d.vat_cents, d.patient_id,
  o.journal, o.fiscal_year, o.number
FROM document d LEFT JOIN document o ON o.id = d.credits_id
WHERE d.organisation_id = :organisation
  AND (d.b2_number = :b2 OR (d.journal = :journal AND d.fiscal_year = :year AND d.number = :number))

-- :lines
SELECT l.position, l.label, l.since, l.until, l.quantity_e6, l.unit_price_e8, l.net_cents,
  l.vat_ppm, l.details, c.gross_cents, c.part_amo_cents, c.part_amc_cents, c.part_patient_cents
FROM document_line l
LEFT JOIN care_line c ON c.document_id = l.document_id AND c.position = l.position
WHERE l.document_id = :document ORDER BY l.position
