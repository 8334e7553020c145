CREATE TABLE organisation (
  id INTEGER NOT NULL,
  code VARCHAR(64) NOT NULL,
  name TEXT DEFAULT '' NOT NULL,
  address TEXT DEFAULT '' NOT NULL,
  siren TEXT DEFAULT '' NOT NULL,
  vat_number TEXT DEFAULT '' NOT NULL,
  finess TEXT DEFAULT '' NOT NULL,
  am_number TEXT DEFAULT '' NOT NULL,
  zone TEXT DEFAULT 'Europe/Paris' NOT NULL,
  closed_until DATE,
  CONSTRAINT pk_organisation PRIMARY KEY (id),
  CONSTRAINT uq_organisation_code UNIQUE (code)
);

CREATE TABLE id_block (
  name VARCHAR(64) NOT NULL,
  last_id BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_id_block PRIMARY KEY (name)
);

CREATE TABLE syntec_index (
  year INTEGER NOT NULL,
  month INTEGER NOT NULL,
  index_e6 BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_syntec_index PRIMARY KEY (year, month)
);

CREATE TABLE sealed_secret (
  name VARCHAR(32) NOT NULL,
  sealed BLOB NOT NULL,
  CONSTRAINT pk_sealed_secret PRIMARY KEY (name)
);

CREATE TABLE lpp_code (
  code VARCHAR(7) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  type TEXT DEFAULT '' NOT NULL,
  nature TEXT DEFAULT '' NOT NULL,
  unit TEXT DEFAULT '' NOT NULL,
  engine TEXT DEFAULT '' NOT NULL,
  max_age INTEGER,
  ends_on DATE,
  CONSTRAINT pk_lpp_code PRIMARY KEY (code)
);

CREATE TABLE document (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  journal VARCHAR(8) NOT NULL,
  fiscal_year INTEGER NOT NULL,
  number BIGINT DEFAULT '0' NOT NULL,
  kind VARCHAR(16) NOT NULL,
  issued_on DATE NOT NULL,
  due_on DATE,
  customer_id BIGINT,
  site_id BIGINT,
  patient_id BIGINT,
  credits_id BIGINT,
  b2_number BIGINT,
  market TEXT DEFAULT '' NOT NULL,
  net_cents BIGINT DEFAULT '0' NOT NULL,
  vat_cents BIGINT DEFAULT '0' NOT NULL,
  gross_cents BIGINT DEFAULT '0' NOT NULL,
  part_amo_cents BIGINT DEFAULT '0' NOT NULL,
  part_amc_cents BIGINT DEFAULT '0' NOT NULL,
  part_patient_cents BIGINT DEFAULT '0' NOT NULL,
  snapshot TEXT DEFAULT '{}' NOT NULL,
  person_commitment VARCHAR(64),
  run_id BIGINT,
  CONSTRAINT pk_document PRIMARY KEY (id),
  CONSTRAINT uq_document_organisation_id_journal_fiscal_year_number UNIQUE (organisation_id, journal, fiscal_year, number)
);

CREATE TABLE closing (
  organisation_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  version SMALLINT NOT NULL,
  kind VARCHAR(8) NOT NULL,
  since DATE NOT NULL,
  until DATE NOT NULL,
  chain_sequence BIGINT DEFAULT '0' NOT NULL,
  chain_link VARCHAR(64) NOT NULL,
  documents BIGINT DEFAULT '0' NOT NULL,
  entries BIGINT DEFAULT '0' NOT NULL,
  debit_cents BIGINT DEFAULT '0' NOT NULL,
  credit_cents BIGINT DEFAULT '0' NOT NULL,
  total_debit_cents BIGINT DEFAULT '0' NOT NULL,
  total_credit_cents BIGINT DEFAULT '0' NOT NULL,
  sealed TEXT DEFAULT '{}' NOT NULL,
  previous VARCHAR(64) NOT NULL,
  closed_at TEXT DEFAULT '' NOT NULL,
  public_key VARCHAR(64) NOT NULL,
  signature VARCHAR(128) NOT NULL,
  CONSTRAINT pk_closing PRIMARY KEY (organisation_id, sequence),
  CONSTRAINT uq_closing_organisation_id_kind_since UNIQUE (organisation_id, kind, since)
)
 WITHOUT ROWID;

CREATE TABLE ledger_export (
  organisation_id BIGINT NOT NULL,
  number INTEGER NOT NULL,
  layout VARCHAR(16) NOT NULL,
  since_sequence BIGINT DEFAULT '0' NOT NULL,
  until_sequence BIGINT DEFAULT '0' NOT NULL,
  entries BIGINT DEFAULT '0' NOT NULL,
  debit_cents BIGINT DEFAULT '0' NOT NULL,
  file_name VARCHAR(64) NOT NULL,
  state VARCHAR(16) NOT NULL,
  made_at TEXT DEFAULT '' NOT NULL,
  acknowledged_at TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_ledger_export PRIMARY KEY (organisation_id, number),
  CONSTRAINT uq_ledger_export_organisation_id_since_sequence UNIQUE (organisation_id, since_sequence)
);

CREATE TABLE received_file (
  id INTEGER NOT NULL,
  digest VARCHAR(64) NOT NULL,
  name VARCHAR(255) NOT NULL,
  flow VARCHAR(32) NOT NULL,
  state VARCHAR(16) NOT NULL,
  received_at TEXT DEFAULT '' NOT NULL,
  records BIGINT DEFAULT '0' NOT NULL,
  report TEXT DEFAULT '{}' NOT NULL,
  identity TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_received_file PRIMARY KEY (id)
);

CREATE TABLE outbox (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  "key" VARCHAR(128) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  partner VARCHAR(64) NOT NULL,
  file_name VARCHAR(128) NOT NULL,
  subject_id BIGINT,
  state VARCHAR(16) NOT NULL,
  sha256 VARCHAR(64),
  sent_at TEXT DEFAULT '' NOT NULL,
  recipient VARCHAR(64),
  address TEXT DEFAULT '' NOT NULL,
  next_try_at TEXT DEFAULT '' NOT NULL,
  lease_token BIGINT,
  lease_until BIGINT,
  CONSTRAINT pk_outbox PRIMARY KEY (id),
  CONSTRAINT uq_outbox_key UNIQUE ("key")
);

CREATE TABLE audit (
  organisation_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  at VARCHAR(32) NOT NULL,
  who VARCHAR(64) NOT NULL,
  verb VARCHAR(32) NOT NULL,
  subject TEXT DEFAULT '' NOT NULL,
  reason TEXT DEFAULT '' NOT NULL,
  outcome VARCHAR(32) NOT NULL,
  link VARCHAR(64) NOT NULL,
  CONSTRAINT pk_audit PRIMARY KEY (organisation_id, sequence)
)
 WITHOUT ROWID;

CREATE TABLE audit_head (
  organisation_id BIGINT NOT NULL,
  sequence BIGINT DEFAULT '0' NOT NULL,
  link VARCHAR(64) NOT NULL,
  CONSTRAINT pk_audit_head PRIMARY KEY (organisation_id)
);

CREATE TABLE series (
  organisation_id BIGINT NOT NULL,
  journal VARCHAR(8) NOT NULL,
  fiscal_year INTEGER NOT NULL,
  last_number BIGINT DEFAULT '0' NOT NULL,
  last_date DATE,
  CONSTRAINT pk_series PRIMARY KEY (organisation_id, journal, fiscal_year),
  CONSTRAINT fk_series_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE counter (
  organisation_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  last_value BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_counter PRIMARY KEY (organisation_id, name),
  CONSTRAINT fk_counter_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE customer (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  name TEXT DEFAULT '' NOT NULL,
  address TEXT DEFAULT '' NOT NULL,
  siren TEXT DEFAULT '' NOT NULL,
  agency TEXT DEFAULT '' NOT NULL,
  email TEXT DEFAULT '' NOT NULL,
  fax TEXT DEFAULT '' NOT NULL,
  classification TEXT DEFAULT '' NOT NULL,
  estimate_fee_class TEXT DEFAULT '' NOT NULL,
  invoice_fee_class TEXT DEFAULT '' NOT NULL,
  grouped SMALLINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_customer PRIMARY KEY (id),
  CONSTRAINT uq_customer_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_customer_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE article (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  intangible SMALLINT NOT NULL,
  article_class TEXT DEFAULT '' NOT NULL,
  vat_ppm BIGINT DEFAULT '0' NOT NULL,
  account VARCHAR(16) NOT NULL,
  CONSTRAINT pk_article PRIMARY KEY (id),
  CONSTRAINT uq_article_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_article_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE price_list (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  public SMALLINT NOT NULL,
  since DATE NOT NULL,
  until DATE,
  in_force SMALLINT DEFAULT '1' NOT NULL,
  precedence BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_price_list PRIMARY KEY (id),
  CONSTRAINT uq_price_list_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_price_list_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE person (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  sealed BLOB NOT NULL,
  nir_index BLOB NOT NULL,
  salt BLOB NOT NULL,
  CONSTRAINT pk_person PRIMARY KEY (id),
  CONSTRAINT fk_person_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE lpp_tariff (
  code VARCHAR(7) NOT NULL,
  since DATE NOT NULL,
  until DATE,
  tariff_cents BIGINT DEFAULT '0' NOT NULL,
  limit_cents BIGINT,
  nature TEXT DEFAULT '' NOT NULL,
  agreement SMALLINT DEFAULT '0' NOT NULL,
  source TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_lpp_tariff PRIMARY KEY (code, since),
  CONSTRAINT fk_lpp_tariff_code FOREIGN KEY(code) REFERENCES lpp_code (code)
);

CREATE TABLE document_line (
  document_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  rule_id BIGINT,
  care_item_id BIGINT,
  article TEXT DEFAULT '' NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  since DATE NOT NULL,
  until DATE NOT NULL,
  quantity_e6 BIGINT DEFAULT '0' NOT NULL,
  unit_price_e8 BIGINT DEFAULT '0' NOT NULL,
  net_cents BIGINT DEFAULT '0' NOT NULL,
  vat_ppm BIGINT DEFAULT '0' NOT NULL,
  details TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_document_line PRIMARY KEY (document_id, position),
  CONSTRAINT fk_document_line_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
 WITHOUT ROWID;

CREATE TABLE care_line (
  document_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  lpp VARCHAR(7) NOT NULL,
  nature VARCHAR(5) NOT NULL,
  type VARCHAR(1) NOT NULL,
  gross_cents BIGINT DEFAULT '0' NOT NULL,
  tariff_cents BIGINT DEFAULT '0' NOT NULL,
  base_cents BIGINT DEFAULT '0' NOT NULL,
  rate_pct BIGINT DEFAULT '0' NOT NULL,
  part_amo_cents BIGINT DEFAULT '0' NOT NULL,
  part_amc_cents BIGINT DEFAULT '0' NOT NULL,
  part_patient_cents BIGINT DEFAULT '0' NOT NULL,
  exemption TEXT DEFAULT '0' NOT NULL,
  agreement TEXT DEFAULT '0' NOT NULL,
  agreement_on DATE,
  CONSTRAINT pk_care_line PRIMARY KEY (document_id, position),
  CONSTRAINT fk_care_line_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
 WITHOUT ROWID;

CREATE TABLE entry (
  document_id BIGINT NOT NULL,
  position INTEGER NOT NULL,
  dated DATE NOT NULL,
  account VARCHAR(16) NOT NULL,
  auxiliary TEXT DEFAULT '' NOT NULL,
  debit_cents BIGINT DEFAULT '0' NOT NULL,
  credit_cents BIGINT DEFAULT '0' NOT NULL,
  invoice_id BIGINT,
  share VARCHAR(8),
  CONSTRAINT pk_entry PRIMARY KEY (document_id, position),
  CONSTRAINT ck_entry_sides CHECK (debit_cents >= 0 AND credit_cents >= 0 AND debit_cents * credit_cents = 0),
  CONSTRAINT fk_entry_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
 WITHOUT ROWID;

CREATE TABLE billed_part (
  subject_kind VARCHAR(4) NOT NULL,
  subject_id BIGINT NOT NULL,
  part VARCHAR(64) NOT NULL,
  unit BIGINT NOT NULL,
  revision SMALLINT NOT NULL,
  document_id BIGINT NOT NULL,
  line_position INTEGER NOT NULL,
  CONSTRAINT pk_billed_part PRIMARY KEY (subject_kind, subject_id, part, unit, revision),
  CONSTRAINT fk_billed_part_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
 WITHOUT ROWID;

CREATE TABLE chain_link (
  organisation_id BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  document_id BIGINT NOT NULL,
  version SMALLINT NOT NULL,
  digest VARCHAR(64) NOT NULL,
  link VARCHAR(64) NOT NULL,
  debit_cents BIGINT DEFAULT '0' NOT NULL,
  credit_cents BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_chain_link PRIMARY KEY (organisation_id, sequence),
  CONSTRAINT ck_chain_link_balanced CHECK (debit_cents = credit_cents),
  CONSTRAINT uq_chain_link_document_id UNIQUE (document_id),
  CONSTRAINT fk_chain_link_document_id FOREIGN KEY(document_id) REFERENCES document (id)
)
 WITHOUT ROWID;

CREATE TABLE chain_head (
  organisation_id BIGINT NOT NULL,
  sequence BIGINT DEFAULT '0' NOT NULL,
  link VARCHAR(64) NOT NULL,
  CONSTRAINT pk_chain_head PRIMARY KEY (organisation_id),
  CONSTRAINT fk_chain_head_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE transmission (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  file_identifier VARCHAR(6) NOT NULL,
  recipient_kind VARCHAR(2) NOT NULL,
  recipient VARCHAR(14) NOT NULL,
  lot BIGINT DEFAULT '0' NOT NULL,
  created_on DATE NOT NULL,
  invoices BIGINT DEFAULT '0' NOT NULL,
  gross_cents BIGINT DEFAULT '0' NOT NULL,
  part_amo_cents BIGINT DEFAULT '0' NOT NULL,
  part_amc_cents BIGINT DEFAULT '0' NOT NULL,
  digest VARCHAR(64) NOT NULL,
  CONSTRAINT pk_transmission PRIMARY KEY (id),
  CONSTRAINT uq_transmission_organisation_id_file_identifier UNIQUE (organisation_id, file_identifier),
  CONSTRAINT fk_transmission_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE return_line (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  transfer VARCHAR(128) NOT NULL,
  return_type VARCHAR(2) NOT NULL,
  invoice_number VARCHAR(9) NOT NULL,
  share VARCHAR(8) NOT NULL,
  rank BIGINT DEFAULT '0' NOT NULL,
  sign VARCHAR(1) NOT NULL,
  state VARCHAR(1) NOT NULL,
  asked_cents BIGINT DEFAULT '0' NOT NULL,
  paid_cents BIGINT DEFAULT '0' NOT NULL,
  reasons TEXT DEFAULT '[]' NOT NULL,
  dated DATE NOT NULL,
  invoice_id BIGINT,
  document_id BIGINT,
  received_file_id BIGINT,
  CONSTRAINT pk_return_line PRIMARY KEY (id),
  CONSTRAINT uq_return_line_once UNIQUE (organisation_id, transfer, return_type, invoice_number, share, rank, sign),
  CONSTRAINT fk_return_line_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE reading_request (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  reference VARCHAR(32) NOT NULL,
  requested_on DATE NOT NULL,
  channel VARCHAR(8) NOT NULL,
  address TEXT DEFAULT '' NOT NULL,
  mail_to TEXT DEFAULT '' NOT NULL,
  recipient TEXT DEFAULT '' NOT NULL,
  prepared_at VARCHAR(32) NOT NULL,
  content TEXT DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_reading_request PRIMARY KEY (id),
  CONSTRAINT uq_reading_request_reference UNIQUE (reference),
  CONSTRAINT fk_reading_request_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE outbox_event (
  outbox_id BIGINT NOT NULL,
  sequence INTEGER NOT NULL,
  event VARCHAR(16) NOT NULL,
  at VARCHAR(32) NOT NULL,
  who VARCHAR(128) NOT NULL,
  detail TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_outbox_event PRIMARY KEY (outbox_id, sequence),
  CONSTRAINT fk_outbox_event_outbox_id FOREIGN KEY(outbox_id) REFERENCES outbox (id)
);

CREATE TABLE partner_hold (
  organisation_id BIGINT NOT NULL,
  partner VARCHAR(64) NOT NULL,
  since VARCHAR(32) NOT NULL,
  until TEXT DEFAULT '' NOT NULL,
  who TEXT DEFAULT '' NOT NULL,
  reason TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_partner_hold PRIMARY KEY (organisation_id, partner, since),
  CONSTRAINT fk_partner_hold_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE run (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  work_date DATE NOT NULL,
  options TEXT DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_run PRIMARY KEY (id),
  CONSTRAINT uq_run_organisation_id_kind_work_date_options UNIQUE (organisation_id, kind, work_date, options),
  CONSTRAINT fk_run_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE occurrence (
  organisation_id BIGINT NOT NULL,
  job VARCHAR(32) NOT NULL,
  day DATE NOT NULL,
  state VARCHAR(16) NOT NULL,
  report TEXT DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_occurrence PRIMARY KEY (organisation_id, job, day),
  CONSTRAINT fk_occurrence_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE job (
  organisation_id BIGINT NOT NULL,
  name VARCHAR(64) NOT NULL,
  timing VARCHAR(64) NOT NULL,
  since VARCHAR(32) NOT NULL,
  CONSTRAINT pk_job PRIMARY KEY (organisation_id, name),
  CONSTRAINT fk_job_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE job_run (
  organisation_id BIGINT NOT NULL,
  job VARCHAR(64) NOT NULL,
  due_at VARCHAR(32) NOT NULL,
  day DATE NOT NULL,
  state VARCHAR(16) NOT NULL,
  attempts BIGINT DEFAULT '0' NOT NULL,
  next_try_at TEXT DEFAULT '' NOT NULL,
  lease_token BIGINT,
  lease_until BIGINT,
  started_at TEXT DEFAULT '' NOT NULL,
  ended_at TEXT DEFAULT '' NOT NULL,
  report TEXT DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_job_run PRIMARY KEY (organisation_id, job, due_at),
  CONSTRAINT fk_job_run_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE simulation (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  work_date DATE NOT NULL,
  options TEXT DEFAULT '{}' NOT NULL,
  inputs_digest VARCHAR(64) NOT NULL,
  rows_digest VARCHAR(64) NOT NULL,
  summary TEXT DEFAULT '{}' NOT NULL,
  CONSTRAINT pk_simulation PRIMARY KEY (id),
  CONSTRAINT fk_simulation_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id)
);

CREATE TABLE site (
  id INTEGER NOT NULL,
  customer_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  name TEXT DEFAULT '' NOT NULL,
  address TEXT DEFAULT '' NOT NULL,
  email TEXT DEFAULT '' NOT NULL,
  fax TEXT DEFAULT '' NOT NULL,
  billing_only SMALLINT DEFAULT '0' NOT NULL,
  zone TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_site PRIMARY KEY (id),
  CONSTRAINT uq_site_customer_id_code UNIQUE (customer_id, code),
  CONSTRAINT fk_site_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id)
);

CREATE TABLE price (
  id INTEGER NOT NULL,
  price_list_id BIGINT NOT NULL,
  article_id BIGINT NOT NULL,
  price_e8 BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_price PRIMARY KEY (id),
  CONSTRAINT uq_price_price_list_id_article_id UNIQUE (price_list_id, article_id),
  CONSTRAINT fk_price_price_list_id FOREIGN KEY(price_list_id) REFERENCES price_list (id),
  CONSTRAINT fk_price_article_id FOREIGN KEY(article_id) REFERENCES article (id)
);

CREATE TABLE price_list_customer (
  id INTEGER NOT NULL,
  price_list_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  attached SMALLINT DEFAULT '1' NOT NULL,
  CONSTRAINT pk_price_list_customer PRIMARY KEY (id),
  CONSTRAINT uq_price_list_customer_price_list_id_customer_id UNIQUE (price_list_id, customer_id),
  CONSTRAINT fk_price_list_customer_price_list_id FOREIGN KEY(price_list_id) REFERENCES price_list (id),
  CONSTRAINT fk_price_list_customer_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id)
);

CREATE TABLE contract (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  customer_id BIGINT NOT NULL,
  group_id BIGINT DEFAULT '0' NOT NULL,
  status VARCHAR(32) NOT NULL,
  activity TEXT DEFAULT '' NOT NULL,
  agency TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_contract PRIMARY KEY (id),
  CONSTRAINT uq_contract_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_contract_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_contract_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id)
);

CREATE TABLE patient (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  person_id BIGINT NOT NULL,
  insured_person_id BIGINT NOT NULL,
  agency TEXT DEFAULT '' NOT NULL,
  quality TEXT DEFAULT '0' NOT NULL,
  birth_rank TEXT DEFAULT '1' NOT NULL,
  CONSTRAINT pk_patient PRIMARY KEY (id),
  CONSTRAINT uq_patient_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_patient_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_patient_person_id FOREIGN KEY(person_id) REFERENCES person (id),
  CONSTRAINT fk_patient_insured_person_id FOREIGN KEY(insured_person_id) REFERENCES person (id)
);

CREATE TABLE transmission_item (
  document_id BIGINT NOT NULL,
  attempt SMALLINT NOT NULL,
  transmission_id BIGINT NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_transmission_item PRIMARY KEY (document_id, attempt),
  CONSTRAINT fk_transmission_item_document_id FOREIGN KEY(document_id) REFERENCES document (id),
  CONSTRAINT fk_transmission_item_transmission_id FOREIGN KEY(transmission_id) REFERENCES transmission (id)
);

CREATE TABLE asset (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  customer_id BIGINT NOT NULL,
  site_id BIGINT,
  label TEXT DEFAULT '' NOT NULL,
  serial TEXT DEFAULT '' NOT NULL,
  product TEXT DEFAULT '' NOT NULL,
  installed_on DATE,
  financed_in_advance SMALLINT DEFAULT '0' NOT NULL,
  request_mode TEXT DEFAULT '' NOT NULL,
  contact_name TEXT DEFAULT '' NOT NULL,
  contact_email TEXT DEFAULT '' NOT NULL,
  contact_fax TEXT DEFAULT '' NOT NULL,
  location TEXT DEFAULT '' NOT NULL,
  location_email TEXT DEFAULT '' NOT NULL,
  location_fax TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_asset PRIMARY KEY (id),
  CONSTRAINT uq_asset_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_asset_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_asset_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id),
  CONSTRAINT fk_asset_site_id FOREIGN KEY(site_id) REFERENCES site (id)
);

CREATE TABLE module (
  id INTEGER NOT NULL,
  contract_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  since DATE NOT NULL,
  until DATE,
  renewal_months BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_module PRIMARY KEY (id),
  CONSTRAINT uq_module_contract_id_code UNIQUE (contract_id, code),
  CONSTRAINT fk_module_contract_id FOREIGN KEY(contract_id) REFERENCES contract (id)
);

CREATE TABLE extra_line (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  contract_id BIGINT NOT NULL,
  article VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  quantity_e6 BIGINT DEFAULT '0' NOT NULL,
  price_e8 BIGINT DEFAULT '0' NOT NULL,
  vat_ppm BIGINT DEFAULT '0' NOT NULL,
  account VARCHAR(16) NOT NULL,
  reason TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_extra_line PRIMARY KEY (id),
  CONSTRAINT uq_extra_line_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_extra_line_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_extra_line_contract_id FOREIGN KEY(contract_id) REFERENCES contract (id)
);

CREATE TABLE cover_amo (
  id INTEGER NOT NULL,
  patient_id BIGINT NOT NULL,
  since DATE NOT NULL,
  until DATE,
  scheme VARCHAR(2) NOT NULL,
  fund VARCHAR(3) NOT NULL,
  centre VARCHAR(4) NOT NULL,
  nature VARCHAR(2) NOT NULL,
  exemption TEXT DEFAULT '0' NOT NULL,
  situation TEXT DEFAULT '' NOT NULL,
  proof VARCHAR(16) NOT NULL,
  proof_on DATE NOT NULL,
  CONSTRAINT pk_cover_amo PRIMARY KEY (id),
  CONSTRAINT fk_cover_amo_patient_id FOREIGN KEY(patient_id) REFERENCES patient (id)
);

CREATE TABLE cover_amc (
  id INTEGER NOT NULL,
  patient_id BIGINT NOT NULL,
  since DATE NOT NULL,
  until DATE,
  number VARCHAR(10) NOT NULL,
  name TEXT DEFAULT '' NOT NULL,
  member TEXT DEFAULT '' NOT NULL,
  formula VARCHAR(2) NOT NULL,
  percent_ppm BIGINT DEFAULT '0' NOT NULL,
  fixed_cents BIGINT DEFAULT '0' NOT NULL,
  third_party SMALLINT DEFAULT '1' NOT NULL,
  proof VARCHAR(16) NOT NULL,
  proof_on DATE NOT NULL,
  CONSTRAINT pk_cover_amc PRIMARY KEY (id),
  CONSTRAINT fk_cover_amc_patient_id FOREIGN KEY(patient_id) REFERENCES patient (id)
);

CREATE TABLE prescription (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  patient_id BIGINT NOT NULL,
  prescriber_name TEXT DEFAULT '' NOT NULL,
  prescriber_rpps TEXT DEFAULT '' NOT NULL,
  prescriber_am_number TEXT DEFAULT '' NOT NULL,
  prescriber_speciality TEXT DEFAULT '' NOT NULL,
  dated_on DATE NOT NULL,
  until DATE NOT NULL,
  agreement VARCHAR(16) NOT NULL,
  agreement_on DATE,
  CONSTRAINT pk_prescription PRIMARY KEY (id),
  CONSTRAINT uq_prescription_organisation_id_code UNIQUE (organisation_id, code),
  CONSTRAINT fk_prescription_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_prescription_patient_id FOREIGN KEY(patient_id) REFERENCES patient (id)
);

CREATE TABLE meter (
  id INTEGER NOT NULL,
  asset_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  cumulative SMALLINT DEFAULT '1' NOT NULL,
  billable SMALLINT DEFAULT '1' NOT NULL,
  billable_on_estimate SMALLINT DEFAULT '1' NOT NULL,
  billable_on_customer SMALLINT DEFAULT '1' NOT NULL,
  printable SMALLINT DEFAULT '1' NOT NULL,
  entry_mandatory SMALLINT DEFAULT '0' NOT NULL,
  read_with_consumables SMALLINT DEFAULT '0' NOT NULL,
  calculated SMALLINT DEFAULT '0' NOT NULL,
  formula TEXT DEFAULT '' NOT NULL,
  rounding TEXT DEFAULT 'standard' NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  since DATE,
  until DATE,
  scale BIGINT DEFAULT '1' NOT NULL,
  guaranteed_maximum BIGINT,
  contractual_volume_e6 BIGINT,
  model_volume_e6 BIGINT,
  stated_volume_e6 BIGINT,
  CONSTRAINT pk_meter PRIMARY KEY (id),
  CONSTRAINT uq_meter_asset_id_code UNIQUE (asset_id, code),
  CONSTRAINT fk_meter_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id)
);

CREATE TABLE module_asset (
  module_id BIGINT NOT NULL,
  asset_id BIGINT NOT NULL,
  CONSTRAINT pk_module_asset PRIMARY KEY (module_id, asset_id),
  CONSTRAINT fk_module_asset_module_id FOREIGN KEY(module_id) REFERENCES module (id),
  CONSTRAINT fk_module_asset_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id)
);

CREATE TABLE coverage (
  id INTEGER NOT NULL,
  module_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  article_class TEXT DEFAULT '' NOT NULL,
  kind VARCHAR(32) NOT NULL,
  since DATE NOT NULL,
  until DATE,
  response_hours BIGINT DEFAULT '8' NOT NULL,
  CONSTRAINT pk_coverage PRIMARY KEY (id),
  CONSTRAINT uq_coverage_module_id_code UNIQUE (module_id, code),
  CONSTRAINT fk_coverage_module_id FOREIGN KEY(module_id) REFERENCES module (id)
);

CREATE TABLE rule (
  id INTEGER NOT NULL,
  module_id BIGINT NOT NULL,
  contract_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  kind VARCHAR(32) NOT NULL,
  term VARCHAR(8) NOT NULL,
  periodicity TEXT DEFAULT '' NOT NULL,
  proration TEXT DEFAULT '{}' NOT NULL,
  regime TEXT DEFAULT 'estimate' NOT NULL,
  decimals BIGINT DEFAULT '2' NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  market TEXT DEFAULT '' NOT NULL,
  since DATE NOT NULL,
  until DATE,
  terms TEXT DEFAULT '{}' NOT NULL,
  opening TEXT DEFAULT '{}' NOT NULL,
  increase TEXT DEFAULT '' NOT NULL,
  template TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_rule PRIMARY KEY (id),
  CONSTRAINT uq_rule_module_id_code UNIQUE (module_id, code),
  CONSTRAINT fk_rule_module_id FOREIGN KEY(module_id) REFERENCES module (id),
  CONSTRAINT fk_rule_contract_id FOREIGN KEY(contract_id) REFERENCES contract (id)
);

CREATE TABLE delivery (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  number VARCHAR(64) NOT NULL,
  line INTEGER NOT NULL,
  delivered_on DATE NOT NULL,
  asset_id BIGINT,
  contract_id BIGINT,
  article VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  article_class TEXT DEFAULT '' NOT NULL,
  quantity BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_delivery PRIMARY KEY (id),
  CONSTRAINT uq_delivery_organisation_id_number_line UNIQUE (organisation_id, number, line),
  CONSTRAINT fk_delivery_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_delivery_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id),
  CONSTRAINT fk_delivery_contract_id FOREIGN KEY(contract_id) REFERENCES contract (id)
);

CREATE TABLE placement (
  id INTEGER NOT NULL,
  asset_id BIGINT NOT NULL,
  since DATE NOT NULL,
  customer_id BIGINT NOT NULL,
  site_id BIGINT,
  CONSTRAINT pk_placement PRIMARY KEY (id),
  CONSTRAINT uq_placement_asset_id_since UNIQUE (asset_id, since),
  CONSTRAINT fk_placement_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id),
  CONSTRAINT fk_placement_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id),
  CONSTRAINT fk_placement_site_id FOREIGN KEY(site_id) REFERENCES site (id)
);

CREATE TABLE analysis (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  event_key BLOB NOT NULL,
  asset_id BIGINT NOT NULL,
  ran_at_ms BIGINT DEFAULT '0' NOT NULL,
  ran_at VARCHAR(40) NOT NULL,
  ran_on DATE NOT NULL,
  kind VARCHAR(16) NOT NULL,
  person_id BIGINT,
  species TEXT DEFAULT '' NOT NULL,
  sample_type TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_analysis PRIMARY KEY (id),
  CONSTRAINT uq_analysis_organisation_id_event_key UNIQUE (organisation_id, event_key),
  CONSTRAINT fk_analysis_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_analysis_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id),
  CONSTRAINT fk_analysis_person_id FOREIGN KEY(person_id) REFERENCES person (id)
);

CREATE TABLE consumable_use (
  id INTEGER NOT NULL,
  asset_id BIGINT NOT NULL,
  used_at_ms BIGINT DEFAULT '0' NOT NULL,
  used_on DATE NOT NULL,
  article VARCHAR(64) NOT NULL,
  quantity BIGINT DEFAULT '0' NOT NULL,
  CONSTRAINT pk_consumable_use PRIMARY KEY (id),
  CONSTRAINT uq_consumable_use_asset_id_used_at_ms_article UNIQUE (asset_id, used_at_ms, article),
  CONSTRAINT fk_consumable_use_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id)
);

CREATE TABLE silence (
  id INTEGER NOT NULL,
  organisation_id BIGINT NOT NULL,
  asset_id BIGINT NOT NULL,
  customer_id BIGINT NOT NULL,
  heard_on DATE NOT NULL,
  noticed_on DATE NOT NULL,
  CONSTRAINT pk_silence PRIMARY KEY (id),
  CONSTRAINT uq_silence_asset_id_heard_on UNIQUE (asset_id, heard_on),
  CONSTRAINT fk_silence_organisation_id FOREIGN KEY(organisation_id) REFERENCES organisation (id),
  CONSTRAINT fk_silence_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id),
  CONSTRAINT fk_silence_customer_id FOREIGN KEY(customer_id) REFERENCES customer (id)
);

CREATE TABLE care_item (
  id INTEGER NOT NULL,
  prescription_id BIGINT NOT NULL,
  patient_id BIGINT NOT NULL,
  code VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  lpp VARCHAR(7) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  price_cents BIGINT DEFAULT '0' NOT NULL,
  quantity BIGINT DEFAULT '1' NOT NULL,
  since DATE NOT NULL,
  until DATE,
  carry_over_weeks BIGINT DEFAULT '0' NOT NULL,
  vat_ppm BIGINT DEFAULT '0' NOT NULL,
  exempted SMALLINT DEFAULT '1' NOT NULL,
  CONSTRAINT pk_care_item PRIMARY KEY (id),
  CONSTRAINT uq_care_item_prescription_id_code UNIQUE (prescription_id, code),
  CONSTRAINT fk_care_item_prescription_id FOREIGN KEY(prescription_id) REFERENCES prescription (id),
  CONSTRAINT fk_care_item_patient_id FOREIGN KEY(patient_id) REFERENCES patient (id)
);

CREATE TABLE reading_request_asset (
  asset_id BIGINT NOT NULL,
  requested_on DATE NOT NULL,
  reading_request_id BIGINT NOT NULL,
  level VARCHAR(16) NOT NULL,
  CONSTRAINT pk_reading_request_asset PRIMARY KEY (asset_id, requested_on),
  CONSTRAINT fk_reading_request_asset_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id),
  CONSTRAINT fk_reading_request_asset_reading_request_id FOREIGN KEY(reading_request_id) REFERENCES reading_request (id)
);

CREATE TABLE reading (
  id INTEGER NOT NULL,
  meter_id BIGINT NOT NULL,
  read_on DATE NOT NULL,
  value BIGINT DEFAULT '0' NOT NULL,
  origin VARCHAR(16) NOT NULL,
  document_id BIGINT,
  CONSTRAINT pk_reading PRIMARY KEY (id),
  CONSTRAINT uq_reading_meter_id_read_on_origin_value UNIQUE (meter_id, read_on, origin, value),
  CONSTRAINT fk_reading_meter_id FOREIGN KEY(meter_id) REFERENCES meter (id)
);

CREATE TABLE rule_meter (
  rule_id BIGINT NOT NULL,
  meter_id BIGINT NOT NULL,
  CONSTRAINT pk_rule_meter PRIMARY KEY (rule_id, meter_id),
  CONSTRAINT fk_rule_meter_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id),
  CONSTRAINT fk_rule_meter_meter_id FOREIGN KEY(meter_id) REFERENCES meter (id)
);

CREATE TABLE rule_asset (
  rule_id BIGINT NOT NULL,
  asset_id BIGINT NOT NULL,
  CONSTRAINT pk_rule_asset PRIMARY KEY (rule_id, asset_id),
  CONSTRAINT fk_rule_asset_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id),
  CONSTRAINT fk_rule_asset_asset_id FOREIGN KEY(asset_id) REFERENCES asset (id)
);

CREATE TABLE cost_line (
  id INTEGER NOT NULL,
  rule_id BIGINT NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  family VARCHAR(16) NOT NULL,
  article VARCHAR(64) NOT NULL,
  label TEXT DEFAULT '' NOT NULL,
  price_e8 BIGINT DEFAULT '0' NOT NULL,
  vat_ppm BIGINT DEFAULT '0' NOT NULL,
  account VARCHAR(16) NOT NULL,
  payer_id BIGINT NOT NULL,
  site_id BIGINT,
  payment_mode VARCHAR(32) NOT NULL,
  payment_days BIGINT DEFAULT '0' NOT NULL,
  article_class TEXT DEFAULT '' NOT NULL,
  cutoff_price_e8 BIGINT,
  profit_price_e8 BIGINT,
  cost_price_e8 BIGINT,
  CONSTRAINT pk_cost_line PRIMARY KEY (id),
  CONSTRAINT uq_cost_line_rule_id_position UNIQUE (rule_id, position),
  CONSTRAINT fk_cost_line_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id),
  CONSTRAINT fk_cost_line_payer_id FOREIGN KEY(payer_id) REFERENCES customer (id),
  CONSTRAINT fk_cost_line_site_id FOREIGN KEY(site_id) REFERENCES site (id)
);

CREATE TABLE rule_state (
  rule_id BIGINT NOT NULL,
  next_theoretical DATE,
  state TEXT DEFAULT '{}' NOT NULL,
  events BIGINT DEFAULT '0' NOT NULL,
  last_document_id BIGINT,
  CONSTRAINT pk_rule_state PRIMARY KEY (rule_id),
  CONSTRAINT fk_rule_state_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id)
);

CREATE TABLE rule_event (
  rule_id BIGINT NOT NULL,
  sequence INTEGER NOT NULL,
  id BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  document_id BIGINT,
  state TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_rule_event PRIMARY KEY (rule_id, sequence),
  CONSTRAINT fk_rule_event_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id)
)
 WITHOUT ROWID;

CREATE TABLE rule_change (
  rule_id BIGINT NOT NULL,
  sequence INTEGER NOT NULL,
  field VARCHAR(32) NOT NULL,
  changed_at TEXT DEFAULT '' NOT NULL,
  author TEXT DEFAULT '' NOT NULL,
  "before" TEXT DEFAULT '' NOT NULL,
  "after" TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_rule_change PRIMARY KEY (rule_id, sequence, field),
  CONSTRAINT fk_rule_change_rule_id FOREIGN KEY(rule_id) REFERENCES rule (id)
)
 WITHOUT ROWID;

CREATE INDEX ix_analysis_asset ON analysis (asset_id, ran_on);

CREATE INDEX ix_analysis_person ON analysis (person_id, ran_at_ms);

CREATE INDEX ix_asset_customer_id ON asset (customer_id);

CREATE INDEX ix_billed_part_document ON billed_part (document_id);

CREATE INDEX ix_care_item_patient_id ON care_item (patient_id);

CREATE INDEX ix_care_item_prescription_id ON care_item (prescription_id);

CREATE INDEX ix_contract_customer_id ON contract (customer_id);

CREATE INDEX ix_contract_group ON contract (organisation_id, group_id);

CREATE INDEX ix_cost_line_rule_id ON cost_line (rule_id);

CREATE INDEX ix_cover_amc_patient_id ON cover_amc (patient_id);

CREATE INDEX ix_cover_amo_patient_id ON cover_amo (patient_id);

CREATE INDEX ix_delivery_asset_id ON delivery (asset_id);

CREATE INDEX ix_document_credits ON document (credits_id) WHERE credits_id IS NOT NULL;

CREATE INDEX ix_document_issued ON document (organisation_id, issued_on);

CREATE INDEX ix_entry_invoice ON entry (invoice_id) WHERE invoice_id IS NOT NULL;

CREATE INDEX ix_extra_line_contract_id ON extra_line (contract_id);

CREATE INDEX ix_job_run_open ON job_run (due_at) WHERE state IN ('running', 'waiting');

CREATE INDEX ix_outbox_todo ON outbox (id) WHERE state = 'todo';

CREATE INDEX ix_person_nir ON person (organisation_id, nir_index);

CREATE INDEX ix_prescription_patient_id ON prescription (patient_id);

CREATE INDEX ix_price_article_id ON price (article_id);

CREATE INDEX ix_price_list_customer_customer_id ON price_list_customer (customer_id);

CREATE INDEX ix_reading_request_asset_reading_request_id ON reading_request_asset (reading_request_id);

CREATE INDEX ix_received_file_digest ON received_file (digest);

CREATE INDEX ix_return_line_invoice_id ON return_line (invoice_id);

CREATE INDEX ix_rule_contract_id ON rule (contract_id);

CREATE INDEX ix_rule_event_id ON rule_event (id);

CREATE INDEX ix_rule_module_id ON rule (module_id);

CREATE INDEX ix_site_customer_id ON site (customer_id);

CREATE INDEX ix_transmission_item_transmission_id ON transmission_item (transmission_id);

CREATE UNIQUE INDEX ix_document_b2 ON document (organisation_id, b2_number);

CREATE UNIQUE INDEX uq_received_file_identity ON received_file (flow, identity) WHERE state = 'imported' AND identity <> '';

CREATE UNIQUE INDEX uq_received_file_imported ON received_file (digest) WHERE state = 'imported';
