-- :document
SELECT id, kind, patient_id, net_cents, vat_cents, gross_cents, part_amo_cents, part_amc_cents,
  part_patient_cents, snapshot, person_commitment, journal, fiscal_year, number,
  (SELECT count(*) FROM document c WHERE c.credits_id = d.id)
FROM document d WHERE organisation_id = :organisation AND id = :id

-- :lines
SELECT rule_id, care_item_id, article, label, since, until, quantity_e6, unit_price_e8, net_cents,
  vat_ppm, details
FROM document_line WHERE document_id = :id ORDER BY position

-- :care_lines
SELECT lpp, nature, type, gross_cents, tariff_cents, base_cents, rate_pct, part_amo_cents,
  part_amc_cents, part_patient_cents, exemption, agreement, agreement_on
FROM care_line WHERE document_id = :id ORDER BY position

-- :sales  sales and VAT; the shares come from the document, what was carried to it aside
SELECT account, auxiliary, debit_cents, credit_cents FROM entry
WHERE document_id = :id AND share IS NULL ORDER BY position

-- :parts
SELECT subject_kind, subject_id, part, unit, revision, line_position FROM billed_part
WHERE document_id = :id ORDER BY subject_kind, subject_id, part, unit
