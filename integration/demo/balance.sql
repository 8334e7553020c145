-- :portfolio
SELECT (SELECT count(*) FROM customer WHERE organisation_id = :organisation),
  (SELECT count(*) FROM asset WHERE organisation_id = :organisation),
  (SELECT count(*) FROM contract WHERE organisation_id = :organisation),
  (SELECT count(*) FROM patient WHERE organisation_id = :organisation)

-- :receivable  what invoices put on receivable accounts
SELECT sum(e.debit_cents - e.credit_cents) FROM entry e JOIN document d ON d.id = e.document_id
WHERE d.organisation_id = :organisation AND d.kind IN ('contract', 'care') AND e.account {accounts}

-- :account  balance of one account
SELECT sum(e.debit_cents - e.credit_cents) FROM entry e JOIN document d ON d.id = e.document_id
WHERE d.organisation_id = :organisation AND e.account = :account

-- :payments
SELECT sum(gross_cents) FROM document WHERE organisation_id = :organisation AND kind = 'payment'

-- :transmitted
SELECT count(*), sum(invoices), sum(part_amo_cents), sum(part_amc_cents) FROM transmission
WHERE organisation_id = :organisation

-- :returned
SELECT sum(paid_cents), sum(CASE WHEN state = 'R' THEN asked_cents ELSE 0 END) FROM return_line
WHERE organisation_id = :organisation
