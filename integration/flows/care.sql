-- :patients  with something begun, in id order
SELECT p.id, p.code, p.person_id, p.insured_person_id, p.agency FROM patient p
WHERE p.organisation_id = :organisation AND p.id > :after
  AND EXISTS (SELECT 1 FROM care_item i WHERE i.patient_id = p.id AND i.since <= :work_date)
ORDER BY p.id LIMIT :limit

-- :patients_by_id
SELECT p.id, p.code, p.person_id, p.insured_person_id, p.agency FROM patient p
WHERE p.organisation_id = :organisation AND p.id {patients} ORDER BY p.id

-- :covers_amo
SELECT patient_id, since, until, scheme, fund, centre, nature, exemption, situation, proof, proof_on
FROM cover_amo WHERE patient_id {patients} ORDER BY patient_id, since, id

-- :covers_amc
SELECT patient_id, since, until, number, name, member, formula, percent_ppm, fixed_cents, third_party,
  proof, proof_on
FROM cover_amc WHERE patient_id {patients} ORDER BY patient_id, since, id

-- :prescriptions
SELECT id, code, prescriber_name, prescriber_rpps, prescriber_am_number, prescriber_speciality,
  dated_on, until, agreement, agreement_on
FROM prescription WHERE patient_id {patients} ORDER BY id

-- :items
SELECT id, prescription_id, patient_id, code, kind, lpp, label, price_cents, quantity, since, until,
  carry_over_weeks, vat_ppm, exempted
FROM care_item WHERE patient_id {patients} AND since <= :work_date ORDER BY id

-- :billed  every unit ever billed of these items, its last revision last; credited or not
SELECT b.subject_id, b.part, b.unit, b.revision, l.since, l.until,
  b.document_id IN (SELECT credits_id FROM document WHERE credits_id IS NOT NULL)
FROM billed_part b
JOIN document_line l ON l.document_id = b.document_id AND l.position = b.line_position
WHERE b.subject_kind = 'care' AND b.subject_id {items}
ORDER BY b.subject_id, b.part, b.unit, b.revision

-- :lpp
SELECT code, label, type, nature, unit, engine, ends_on FROM lpp_code WHERE code {codes}

-- :tariffs
SELECT code, since, until, tariff_cents, limit_cents, agreement, source FROM lpp_tariff
WHERE code {codes} ORDER BY code, since
